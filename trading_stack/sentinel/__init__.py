"""The automated failover system: it watches engines, agrees with its peers, and allows a candidate to be elected."""
