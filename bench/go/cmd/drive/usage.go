package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// usage of the servers and of this process so far.
type usage struct {
	serversUs, ownUs float64
	rssMiB, peakMiB  float64
}

const usOfTick = 1e4 // USER_HZ is 100 on every Linux

func readUsage(pids []int) (u usage) {
	u.ownUs = cpuUs(os.Getpid())
	for _, pid := range pids {
		u.serversUs += cpuUs(pid)
		rss, peak := memoryMiB(pid)
		u.rssMiB += rss
		u.peakMiB += peak
	}
	return
}

// cpuUs of a process, 0 where it is gone: user and system time, fields 14 and 15 of proc(5).
func cpuUs(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) * usOfTick
}

func memoryMiB(pid int) (now, peak float64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kB, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			now = kB / 1024
		case "VmHWM:":
			peak = kB / 1024
		}
	}
	return
}
