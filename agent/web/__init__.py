"""What is served over HTTP: metrics, health, incidents and one page for people."""
