"""Market data and prices: sources outside the providers, and in each provider a feed handler and a pricing service."""
