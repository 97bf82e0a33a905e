//go:build !race

package adminapi_test

const slower = 1
