"""General code that knows neither Django nor this product's data."""
