"""What all JSON APIs share: the API key's decorator, the body reader, the shape of errors."""
