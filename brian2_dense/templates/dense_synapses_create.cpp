{# USES_VARIABLES { _synaptic_pre, _synaptic_post, N_incoming, N_outgoing, N, N_pre, N_post, _source_offset, _target_offset, rand } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _synaptic_pre, _synaptic_post, N_incoming, N_outgoing, N} #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const size_t _n_synapses = (size_t){{dense.n_pre}}*{{dense.n_post}};
    {% for varname in dense_arrays | sort %}
    {{varname}}.resize(_n_synapses);
    {% endfor %}
    {{_dynamic_N_incoming}}.assign({{dense.n_post * dense.batch}} + {{dense.offset_post}}, 0);
    {{_dynamic_N_outgoing}}.assign({{dense.n_pre * dense.batch}} + {{dense.offset_pre}}, 0);
    for (int _j = 0; _j < {{dense.n_post * dense.batch}}; _j++) {{_dynamic_N_incoming}}[_j + {{dense.offset_post}}] = {{dense.n_pre}};
    for (int _i = 0; _i < {{dense.n_pre * dense.batch}}; _i++) {{_dynamic_N_outgoing}}[_i + {{dense.offset_pre}}] = {{dense.n_post}};
    {{N}} = _n_synapses;
{% endblock %}
