{# USES_VARIABLES { N } #}
{% extends 'common_group.cu' %}
{% block kernel %}
//// DENSE KERNEL ////
{% endblock %}
{% block prepare_kernel %}
{% endblock %}
{% block kernel_call %}
//// DENSE CALL ////
{% endblock %}
