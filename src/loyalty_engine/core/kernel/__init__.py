"""The ground floor: ids, amounts, quantities, instants and the list of refusals. Imports nothing of ours."""
