{# USES_VARIABLES { N } #}
{% extends 'dense_stateupdate.cu' %}
