"""The Helm chart, rendered by Helm and held against the API schemas of Kubernetes."""
