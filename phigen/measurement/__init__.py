"""The data equivariance error, the rounding floor, and tables of them."""
