package main

import (
	"fmt"
	"os"
	"strings"
)

// peak returns the most memory that this process has used. It is known on Linux only.
func peak() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return fmt.Sprintf(" and at most %d MiB of memory", (kilobytes+1023)/1024)
		}
	}
	return ""
}
