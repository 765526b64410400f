// SPDX-License-Identifier: GPL-2.0-only
/* pcapng.c - captures that Wireshark and tshark open. Failures to write show in ferror(f). */
#include "user/capture/pcapng.h"

#include <string.h>
#include <sys/utsname.h>

enum block {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6, /* "enhanced packet block" */
};

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SECTION_OS = 3,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_DESCRIPTION = 3,
	INTERFACE_RESOLUTION = 9,
	INTERFACE_FILTER = 11,
	PACKET_FLAGS = 2,
	FLAG_INBOUND = 1,
	FLAG_OUTBOUND = 2,
	STATISTICS_START = 2,
	STATISTICS_END = 3,
	STATISTICS_RECEIVED = 4,
	STATISTICS_DROPPED = 7, /* isb_osdrop: by the operating system */
	LINKTYPE_ETHERNET = 1,
	NANOSECONDS = 9, /* 10^-9 */
	TEXT_MAX = 1024,
};

static uint32_t padded(uint32_t len)
{
	return (len + 3) & ~3u;
}

static void put32(FILE *f, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, f);
}

static void put_padded(FILE *f, const void *bytes, uint32_t len)
{
	static const char zeros[4];

	fwrite(bytes, 1, len, f);
	fwrite(zeros, 1, padded(len) - len, f);
}

static uint32_t option_size(uint32_t len)
{
	return 4 + padded(len);
}

static void put_option(FILE *f, uint16_t code, const void *value, uint16_t len)
{
	fwrite(&code, sizeof(code), 1, f);
	fwrite(&len, sizeof(len), 1, f);
	put_padded(f, value, len);
}

static uint32_t text_len(const char *text)
{
	size_t len = strlen(text);

	return len < TEXT_MAX ? len : TEXT_MAX;
}

static uint32_t text_size(const char *text)
{
	return option_size(text_len(text));
}

static void put_text(FILE *f, uint16_t code, const char *text)
{
	put_option(f, code, text, text_len(text));
}

/* A block's type and length stand before its body, and the length behind it again. */
static uint32_t begin(FILE *f, enum block type, uint32_t body)
{
	put32(f, type);
	put32(f, body + 12);
	return body + 12;
}

void pcapng_start(FILE *f, const char *application)
{
	struct utsname system;
	char os[512] = "Linux";
	int64_t unknown = -1; /* length of the section: it is a stream */
	uint16_t version[2] = {1, 0};
	uint32_t total;

	if (!uname(&system))
		snprintf(os, sizeof(os), "%s %s %s", system.sysname, system.release,
			 system.machine);
	total = begin(f, BLOCK_SECTION,
		      4 + 4 + 8 + text_size(os) + text_size(application) + option_size(0));
	put32(f, 0x1a2b3c4d);
	fwrite(version, sizeof(version), 1, f);
	fwrite(&unknown, sizeof(unknown), 1, f);
	put_text(f, SECTION_OS, os);
	put_text(f, SECTION_APPLICATION, application);
	put_option(f, OPTION_END, "", 0);
	put32(f, total);
}

void pcapng_interface(FILE *f, const char *name, const char *description, uint32_t snap,
		      const char *filter)
{
	uint16_t link[2] = {LINKTYPE_ETHERNET, 0};
	uint8_t resolution = NANOSECONDS;
	char expression[TEXT_MAX + 1] = "";
	uint32_t body =
		4 + 4 + text_size(name) + text_size(description) + option_size(1) + option_size(0);
	uint32_t total, n = 0;

	if (filter) {
		/* Its first byte says that a libpcap expression follows. */
		n = 1 + snprintf(expression + 1, TEXT_MAX, "%.*s", TEXT_MAX - 2, filter);
		body += option_size(n);
	}
	total = begin(f, BLOCK_INTERFACE, body);
	fwrite(link, sizeof(link), 1, f);
	put32(f, snap);
	put_text(f, INTERFACE_NAME, name);
	put_text(f, INTERFACE_DESCRIPTION, description);
	put_option(f, INTERFACE_RESOLUTION, &resolution, 1);
	if (filter)
		put_option(f, INTERFACE_FILTER, expression, n);
	put_option(f, OPTION_END, "", 0);
	put32(f, total);
}

void pcapng_packet(FILE *f, const struct pcapng_packet *packet)
{
	uint32_t flags = packet->out ? FLAG_OUTBOUND : FLAG_INBOUND;
	uint32_t body = 20 + padded(packet->len) + option_size(4) + option_size(0);
	uint32_t total;

	if (packet->comment)
		body += text_size(packet->comment);
	total = begin(f, BLOCK_PACKET, body);
	put32(f, packet->interface);
	put32(f, packet->time_ns >> 32);
	put32(f, packet->time_ns);
	put32(f, packet->len);
	put32(f, packet->whole);
	put_padded(f, packet->bytes, packet->len);
	if (packet->comment)
		put_text(f, OPTION_COMMENT, packet->comment);
	put_option(f, PACKET_FLAGS, &flags, sizeof(flags));
	put_option(f, OPTION_END, "", 0);
	put32(f, total);
}

static void put_time(FILE *f, uint16_t code, uint64_t ns)
{
	uint32_t halves[2] = {ns >> 32, ns};

	put_option(f, code, halves, sizeof(halves));
}

void pcapng_statistics(FILE *f, uint32_t interface, uint64_t start_ns, uint64_t end_ns,
		       uint64_t received, uint64_t lost)
{
	uint32_t total = begin(f, BLOCK_STATISTICS, 12 + 4 * option_size(8) + option_size(0));

	put32(f, interface);
	put32(f, end_ns >> 32);
	put32(f, end_ns);
	put_time(f, STATISTICS_START, start_ns);
	put_time(f, STATISTICS_END, end_ns);
	put_option(f, STATISTICS_RECEIVED, &received, 8);
	put_option(f, STATISTICS_DROPPED, &lost, 8);
	put_option(f, OPTION_END, "", 0);
	put32(f, total);
}
