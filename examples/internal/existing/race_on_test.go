//go:build race

package existing

// requests is the number of requests through a shadow: fewer under the race detector, which slows them down.
const requests = 20_000
