"""Documents as TM Forum writes them: fields, dates, patches (TMF630)."""
