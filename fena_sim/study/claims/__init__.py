"""The claims of the article: what each needs beyond the measures, and how it is judged."""
