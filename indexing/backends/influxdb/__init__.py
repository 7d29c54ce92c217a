"""Series in a site's InfluxDB 1.x, by its HTTP interface."""
