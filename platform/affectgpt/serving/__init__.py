"""A trained AffectGPT as a service: a Ray Serve application, its HTTP interface and its page."""
