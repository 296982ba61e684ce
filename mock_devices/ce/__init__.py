"""The simulated customer edge router: an ISR 4431 from factory state to a configured site."""
