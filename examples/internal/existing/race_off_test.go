//go:build !race

package existing

const requests = 100_000
