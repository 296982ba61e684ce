"""The product catalog: specifications (RFS) as data, and what the engine derives from them."""
