{# USES_VARIABLES { _synaptic_pre, _synaptic_post, N_incoming, N_outgoing, N, N_pre, N_post, _source_offset, _target_offset } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _synaptic_pre, _synaptic_post, N_incoming, N_outgoing, N} #}
{% extends 'common_group.cu' %}
{% block random_functions %}
{% endblock %}
{% block kernel %}
{% endblock %}
{% block prepare_kernel %}
{% endblock %}
{% block kernel_call %}
{% endblock %}
{% block define_N %}
{% endblock %}
{% block host_maincode %}
    {{pointers_lines|autoindent}}
    const size_t _n_synapses = (size_t){{dense.n_pre}}*{{dense.n_post}};
    {% for name in dense_arrays | sort %}
    THRUST_CHECK_ERROR(dev{{name}}.resize(_n_synapses));
    {{name}}.resize(_n_synapses);
    {% endfor %}
    {{_dynamic_N_incoming}}.assign({{dense.n_post}} + {{dense.offset_post}}, 0);
    {{_dynamic_N_outgoing}}.assign({{dense.n_pre}} + {{dense.offset_pre}}, 0);
    for (int _j = 0; _j < {{dense.n_post}}; _j++) {{_dynamic_N_incoming}}[_j + {{dense.offset_post}}] = {{dense.n_pre}};
    for (int _i = 0; _i < {{dense.n_pre}}; _i++) {{_dynamic_N_outgoing}}[_i + {{dense.offset_pre}}] = {{dense.n_post}};
    dev{{_dynamic_N_incoming}} = {{_dynamic_N_incoming}};
    dev{{_dynamic_N_outgoing}} = {{_dynamic_N_outgoing}};
    {{N}} = _n_synapses;
    CUDA_SAFE_CALL(
        cudaMemcpy(dev{{get_array_name(variables['N'], access_data=False)}}, {{get_array_name(variables['N'], access_data=False)}},
                   sizeof({{c_data_type(variables['N'].dtype)}}), cudaMemcpyHostToDevice)
    );
{% endblock %}
