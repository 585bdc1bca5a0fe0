"""Long work in the web app: uploads to the disk, jobs, and their results as pages."""
