// SPDX-License-Identifier: GPL-2.0-only
/* reader_values.c - scalars of a lab file as texts, numbers, switches and addresses. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/ip.h"
#include "topology/reader_values.h"

enum {
	EXPANDED_MAX = 64 << 10,       /* bytes of one text with its variables put in */
	EXPANDED_TOTAL_MAX = 32 << 20, /* of all texts of a file */
};

/* ---- variables ----------------------------------------------------------------------------- */

/* A variable's value for the node that is being read: its own, the defaults', the lab's. */
static const char *variable(const struct reader *r, const char *name)
{
	const struct yaml *places[] = {
		r->node ? yaml_find(r->trees[r->node->index], "vars") : NULL,
		r->node ? yaml_find(r->node_defaults, "vars") : NULL,
		r->vars,
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct yaml *value = yaml_find(places[i], name);

		if (value && value->kind == YAML_SCALAR)
			return value->text;
	}
	if (!strcmp(name, "lab"))
		return r->lab->name;
	return r->node && !strcmp(name, "node") ? r->node->name : NULL;
}

static void unknown_variable(struct reader *r, const struct yaml *value, const char *name)
{
	const struct yaml *maps[] = {
		r->node ? yaml_find(r->trees[r->node->index], "vars") : NULL,
		r->node ? yaml_find(r->node_defaults, "vars") : NULL,
		r->vars,
	};
	const char *names[64] = {"lab", "node"}, *near;
	size_t n = r->node ? 2 : 1;
	char hint[256];

	for (size_t i = 0; i < 3; i++)
		if (maps[i] && maps[i]->kind == YAML_MAP)
			for (const struct yaml *v = maps[i]->first; v && n < 64; v = v->next)
				names[n++] = v->key->text;
	near = nearest_name(name, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean ${%.60s}? $${%.60s} stands for itself",
			 near, name);
	else
		snprintf(hint, sizeof(hint),
			 "write it under `vars:`, or $${%.60s} if it is not ours to put in", name);
	reader_error(r, value, hint, "there is no variable ${%.60s}", name);
}

struct text_buffer {
	char *text;
	size_t len;
};

static bool buffer_add(struct text_buffer *buffer, const char *text, size_t len)
{
	if (len >= EXPANDED_MAX - buffer->len)
		return false;
	memcpy(buffer->text + buffer->len, text, len);
	buffer->len += len;
	return true;
}

/*
 * Put variables in: ${name}; $${ stands for ${. Values of variables are taken as they are: they
 * hold no variables themselves, so that nothing can grow without end.
 */
static bool expand(struct reader *r, const struct yaml *value, struct text_buffer *buffer)
{
	const char *p = value->text, *dollar;

	while ((dollar = strchr(p, '$'))) {
		const char *close = dollar[1] == '{' ? strchr(dollar, '}') : NULL, *with;
		char name[64];

		if (!buffer_add(buffer, p, dollar - p))
			return false;
		if (!strncmp(dollar, "$${", 3)) {
			if (!buffer_add(buffer, "${", 2))
				return false;
			p = dollar + 3;
			continue;
		}
		if (!close || close - dollar - 2 >= (int)sizeof(name)) {
			if (!buffer_add(buffer, "$", 1))
				return false;
			p = dollar + 1;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(close - dollar - 2), dollar + 2);
		with = variable(r, name);
		if (!with)
			unknown_variable(r, value, name);
		else if (!buffer_add(buffer, with, strlen(with)))
			return false;
		p = close + 1;
	}
	return buffer_add(buffer, p, strlen(p));
}

const char *reader_text(struct reader *r, const struct yaml *value, const char *expected)
{
	struct text_buffer buffer = {};
	char *text = NULL;

	if (value->kind != YAML_SCALAR || yaml_is_null(value)) {
		reader_bad(r, value, expected, NULL);
		return NULL;
	}
	if (!strchr(value->text, '$'))
		return value->text;
	buffer.text = malloc(EXPANDED_MAX);
	if (!buffer.text) {
		reader_no_memory(r);
		return NULL;
	}
	if (!expand(r, value, &buffer) || (r->expanded += buffer.len) > EXPANDED_TOTAL_MAX) {
		reader_error(r, value, NULL, "the text is too long with its variables put in");
	} else {
		text = arena_strndup(&r->arena, buffer.text, buffer.len);
		if (!text)
			reader_no_memory(r);
	}
	free(buffer.text);
	return text;
}

void reader_string(struct reader *r, const struct yaml *value, char **text)
{
	const char *read = reader_text(r, value, "a text");
	char *copy;

	if (!read)
		return;
	copy = strdup(read);
	if (!copy) {
		reader_no_memory(r);
		return;
	}
	free(*text);
	*text = copy;
}

void reader_vars(struct reader *r, const struct yaml *value, void *object)
{
	(void)object;
	if (yaml_is_null(value))
		return;
	if (value->kind != YAML_MAP) {
		reader_bad(r, value, "a map of names and texts", NULL);
		return;
	}
	for (const struct yaml *entry = value->first; entry; entry = entry->next)
		if (entry->kind != YAML_SCALAR)
			reader_bad(r, entry, "a single value", NULL);
}

/* ---- numbers and switches ------------------------------------------------------------------ */

void reader_number(struct reader *r, const struct yaml *value, uint32_t least, uint32_t most,
		   uint32_t *number)
{
	char expected[64];
	uint64_t parsed = 0;
	const char *text, *p;

	snprintf(expected, sizeof(expected), "a number from %u to %u", least, most);
	text = reader_text(r, value, expected);
	if (!text)
		return;
	for (p = text; isdigit((unsigned char)*p) && p - text < 10; p++)
		parsed = 10 * parsed + (*p - '0');
	if (p == text || *p || parsed < least || parsed > most)
		reader_bad(r, value, expected, NULL);
	else
		*number = parsed;
}

/* 1, 0, or -1 when it is neither. */
static int switch_value(const char *text)
{
	static const char *const on[] = {"true", "on", "yes"}, *const off[] = {"false", "off",
									       "no"};

	for (size_t i = 0; i < 3; i++) {
		if (!strcmp(text, on[i]))
			return 1;
		if (!strcmp(text, off[i]))
			return 0;
	}
	return -1;
}

void reader_bool(struct reader *r, const struct yaml *value, bool *flag)
{
	const char *text = reader_text(r, value, "true or false");
	int state = text ? switch_value(text) : -1;

	if (state >= 0)
		*flag = state;
	else if (text)
		reader_bad(r, value, "true or false", NULL);
}

void reader_setting(struct reader *r, const struct yaml *value, enum setting *setting)
{
	const char *text = reader_text(r, value, "on or off");
	int state = text ? switch_value(text) : -1;

	if (state >= 0)
		*setting = state ? SETTING_ON : SETTING_OFF;
	else if (text)
		reader_bad(r, value, "on or off", NULL);
}

/* ---- addresses ----------------------------------------------------------------------------- */

bool reader_address(struct reader *r, const struct yaml *value, struct ip_addr *addr)
{
	static const char expected[] = "an address, like 10.0.0.1 or fd00::1";
	const char *text = reader_text(r, value, expected);

	if (!text)
		return false;
	if (ip_parse(text, addr))
		return true;
	reader_bad(r, value, expected, strchr(text, '/') ? "write it without a length" : NULL);
	return false;
}

bool reader_prefix(struct reader *r, const struct yaml *value, struct ip_prefix *prefix)
{
	static const char expected[] = "an address with its length, like 10.0.0.1/24 or fd00::1/64";
	const char *text = reader_text(r, value, expected);
	struct ip_addr addr;
	char hint[IP_TEXT_SIZE + 64];

	if (!text)
		return false;
	if (ip_prefix_parse(text, prefix))
		return true;
	if (ip_parse(text, &addr)) {
		snprintf(hint, sizeof(hint), "add how long its subnet is: %.46s/%d", text,
			 strchr(text, ':') ? 64 : 24);
		reader_bad(r, value, expected, hint);
	} else {
		reader_bad(r, value, expected, NULL);
	}
	return false;
}

static void read_one_address(struct reader *r, const struct yaml *value, void *object)
{
	const struct address_list *list = object;
	struct ip_prefix prefix;
	struct address *address;

	if (!reader_prefix(r, value, &prefix))
		return;
	address = reader_append(r, list->list, list->n, sizeof(*address));
	if (address)
		*address = (struct address){.prefix = prefix, .where = reader_where(r, value)};
}

void reader_addresses(struct reader *r, const struct yaml *value, struct address_list list)
{
	reader_each(r, value, read_one_address, &list);
}

bool reader_mac(struct reader *r, const struct yaml *value, uint8_t mac[6])
{
	static const char expected[] = "a MAC address, like 02:00:00:00:00:01";
	const char *text = reader_text(r, value, expected);
	uint8_t parsed[6];

	if (!text)
		return false;
	if (!mac_parse(text, parsed)) {
		reader_bad(r, value, expected, NULL);
		return false;
	}
	memcpy(mac, parsed, sizeof(parsed));
	return true;
}

/* ---- words --------------------------------------------------------------------------------- */

bool reader_ifname(struct reader *r, const struct yaml *value, char ifname[IFNAME_MAX + 1])
{
	const char *text = reader_text(r, value, "an interface name");
	const char *problem = text ? ifname_problem(text) : NULL;

	if (!text)
		return false;
	if (problem) {
		reader_error(r, value, NULL, "\"%.80s\": %s", text, problem);
		return false;
	}
	strcpy(ifname, text);
	return true;
}

const struct word xdp_words[] = {
	{"native", XDP_MODE_NATIVE}, {"generic", XDP_MODE_GENERIC}, {"off", XDP_MODE_OFF},
	{"false", XDP_MODE_OFF},     {"no", XDP_MODE_OFF},	    {},
};

bool reader_word(struct reader *r, const struct yaml *value, const struct word *words,
		 const char *expected, const char *hint, int *number)
{
	const char *text = reader_text(r, value, expected), *names[16];
	char near[64];
	size_t n = 0;

	if (!text)
		return false;
	for (; words->word; words++) {
		if (!strcmp(text, words->word)) {
			*number = words->value;
			return true;
		}
		if (n < sizeof(names) / sizeof(*names))
			names[n++] = words->word;
	}
	hint = reader_guess(r, text, names, n, near, sizeof(near)) ?: hint;
	reader_bad(r, value, expected, hint);
	return false;
}

static void read_one_hook(struct reader *r, const struct yaml *value, void *object)
{
	static const char expected[] = "in, out or none";
	const char *text = reader_text(r, value, expected);
	unsigned *hooks = object;

	if (!text)
		return;
	if (!strcmp(text, "in"))
		*hooks |= HOOKS_IN;
	else if (!strcmp(text, "out"))
		*hooks |= HOOKS_OUT;
	else if (!strcmp(text, "none") || !switch_value(text))
		*hooks |= HOOKS_NONE;
	else
		reader_bad(r, value, expected,
			   !strcmp(text, "xdp") ? "XDP has a key of its own: `xdp: generic`"
						: NULL);
}

void reader_hooks(struct reader *r, const struct yaml *value, unsigned *hooks)
{
	unsigned read = HOOKS_DEFAULT;

	reader_each(r, value, read_one_hook, &read);
	if (value->kind == YAML_LIST && !value->first)
		read = HOOKS_NONE;
	if ((read & HOOKS_NONE) && read != HOOKS_NONE)
		reader_error(r, value, NULL, "hooks: none goes with no other hook");
	else if (read != HOOKS_DEFAULT)
		*hooks = read;
}

/* ---- kinds of values ----------------------------------------------------------------------- */

KEY_KIND(key_string)
{
	reader_string(r, value, key_field(key, object));
}

KEY_KIND(key_number)
{
	reader_number(r, value, key->least, key->most, key_field(key, object));
}

KEY_KIND(key_bool)
{
	reader_bool(r, value, key_field(key, object));
}

KEY_KIND(key_setting)
{
	reader_setting(r, value, key_field(key, object));
}

KEY_KIND(key_word)
{
	int number;

	_Static_assert(sizeof(enum xdp_mode) == sizeof(number), "enums have the size of an int");
	if (reader_word(r, value, key->words, key->expected, key->hint, &number))
		memcpy(key_field(key, object), &number, sizeof(number));
}

KEY_KIND(key_address)
{
	reader_address(r, value, key_field(key, object));
}

KEY_KIND(key_addresses)
{
	size_t *n = (size_t *)((char *)object + key->count);

	reader_addresses(r, value, (struct address_list){key_field(key, object), n});
}

KEY_KIND(key_mac)
{
	reader_mac(r, value, key_field(key, object));
}

KEY_KIND(key_ifname)
{
	reader_ifname(r, value, key_field(key, object));
}

KEY_KIND(key_hooks)
{
	reader_hooks(r, value, key_field(key, object));
}
