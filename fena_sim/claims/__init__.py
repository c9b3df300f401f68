"""The article's claims: what each needs beyond the measures, and how it is judged."""
