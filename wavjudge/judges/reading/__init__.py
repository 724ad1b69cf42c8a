"""How a judge's reply is read: reasoning taken out, one verdict found or none, and whether it heard."""
