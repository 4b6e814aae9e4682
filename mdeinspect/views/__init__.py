"""Reports as a person or a program reads them. Every view is a function of one plain object."""
