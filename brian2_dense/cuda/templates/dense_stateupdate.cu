{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cu' %}
{% block kernel %}
//// DENSE KERNEL ////
{% endblock %}
{% block prepare_kernel %}
{% endblock %}
{% block kernel_call %}
//// DENSE CALL ////
{% endblock %}
