"""What TM Forum has no word for, below ``/rom/v1``: typed requests and answers."""
