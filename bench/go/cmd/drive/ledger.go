package main

import "github.com/HdrHistogram/hdrhistogram-go"

// ledger counts what became of the requests of one connection, under its lock.
type ledger struct {
	counts   [verdicts]uint64
	answered *hdrhistogram.Histogram // allowed or denied, in ns
	refused  *hdrhistogram.Histogram // unavailable, in ns
	timeline []moment
}

// moment is a short part of an open loop, by the time at which requests were due.
type moment struct {
	counts   [verdicts]uint64
	answered *hdrhistogram.Histogram
}

func newHistogram(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(1_000, 60_000_000_000, digits)
}

func newLedger(o options) ledger {
	l := ledger{answered: newHistogram(3), refused: newHistogram(3)}
	if o.bucket > 0 {
		l.timeline = make([]moment, o.length()/o.bucket)
		for i := range l.timeline {
			l.timeline[i].answered = newHistogram(2)
		}
	}
	return l
}

func (l *ledger) add(v verdict, dueNs int64, d *driver) {
	now := d.now()
	// An open loop counts by when a request was due, a closed one by when it was answered.
	at := dueNs
	if d.closed() {
		at = now
	}
	from := d.fromNs.Load()
	if at < from || at >= d.toNs.Load() {
		return
	}
	l.counts[v]++
	took := now - dueNs
	switch v {
	case allow, deny:
		record(l.answered, took)
	case unavailable:
		record(l.refused, took)
	}
	if d.bucket == 0 {
		return
	}
	if i := (at - from) / int64(d.bucket); i < int64(len(l.timeline)) {
		m := &l.timeline[i]
		m.counts[v]++
		if v == allow || v == deny {
			record(m.answered, took)
		}
	}
}

func record(h *hdrhistogram.Histogram, ns int64) {
	// Beyond its range is a minute: it cannot get there, since all is given up sooner.
	_ = h.RecordValue(ns)
}

// merge adds another connection's ledger.
func (l *ledger) merge(o *ledger) {
	for v := range l.counts {
		l.counts[v] += o.counts[v]
	}
	l.answered.Merge(o.answered)
	l.refused.Merge(o.refused)
	for i := range l.timeline {
		for v := range l.counts {
			l.timeline[i].counts[v] += o.timeline[i].counts[v]
		}
		l.timeline[i].answered.Merge(o.timeline[i].answered)
	}
}
