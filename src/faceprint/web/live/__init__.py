"""Names over faces in the browser, of its own camera and of watched sources."""
