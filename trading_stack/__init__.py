"""The reference trading stack: one venue on three cloud providers."""
