// Package fresh keeps cached answers of a store no older than a promised staleness.
package fresh
