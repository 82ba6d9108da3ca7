package main

import "encoding/binary"

// Frame types and flags of RFC 9113, section 6.
const (
	frameData, frameHeaders, frameReset, frameSettings        = 0, 1, 3, 4
	framePing, frameGoaway, frameWindowUpdate, frameContinued = 6, 7, 8, 9

	flagEndStream, flagAck, flagEndHeaders, flagPadded, flagPriority = 1, 1, 4, 8, 0x20

	settingTable, settingPush, settingStreams, settingWindow = 1, 2, 3, 4

	cancel = 8

	initialWindow = 65_535
	// What Envoy lets a server send before it says more.
	ownStreamWindow = 16_777_216
	ownWindowMore   = 25_100_289
	windowStep      = 12_589_096
)

func appendFrame(b []byte, length int, kind, flags byte, id uint32) []byte {
	b = append(b, byte(length>>16), byte(length>>8), byte(length), kind, flags)
	return binary.BigEndian.AppendUint32(b, id)
}

func appendSetting(b []byte, id uint16, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, id), value)
}

// preface as Envoy 1.40 begins a connection.
func preface() []byte {
	b := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	b = appendFrame(b, 24, frameSettings, 0, 0)
	b = appendSetting(b, settingPush, 0)
	b = appendSetting(b, settingTable, 4096)
	b = appendSetting(b, settingStreams, 1024)
	b = appendSetting(b, settingWindow, ownStreamWindow)
	b = appendFrame(b, 4, frameWindowUpdate, 0, 0)
	return binary.BigEndian.AppendUint32(b, ownWindowMore)
}
