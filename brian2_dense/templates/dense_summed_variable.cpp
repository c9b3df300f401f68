{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
//// DENSE KERNEL ////
{% endblock %}
