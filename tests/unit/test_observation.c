/* links: inspect */
/* test_observation.c - observations come back from their encoding as they went in, and nothing but an encoding is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inspect/observation.h"

static struct http_field request_fields[] = {
    {TEXT("Host"), TEXT("as.example")}, {TEXT("Authorization"), TEXT("Basic YTpi")}, {TEXT("X"), TEXT("")}};
static struct http_field response_fields[] = {{TEXT("Set-Cookie"), TEXT("a=1")}, {TEXT("Set-Cookie"), TEXT("b=\0\xff")}};

static struct observation token_exchange(void) {
  struct observation o = {
      .kind = OBSERVED_EXCHANGE, .instance = UINT32_MAX, .sequence = UINT64_MAX, .wall_ms = INT64_MAX, .monotonic_us = 1};
  o.exchange = (struct exchange){
      .id = 17,
      .connection_id = 3,
      .client = TEXT("127.0.0.1"),
      .connect_user_agent = TEXT_NONE,
      .request = {.method = TEXT("POST"),
                  .scheme = TEXT("https"),
                  .authority = TEXT("as.example"),
                  .path = TEXT("/token?x"),
                  .is_absolute_form = true,
                  .expects_continue = true,
                  .minor_version = 1,
                  .framing = HTTP_LENGTH,
                  .body_bytes = INT64_MAX,
                  .fields = request_fields,
                  .field_count = 3},
      .response = {.status = 401,
                   .reason = TEXT("No"),
                   .upgrade = TEXT("websocket"),
                   .wants_close = true,
                   .framing = HTTP_UNTIL_CLOSE,
                   .body_bytes = -1,
                   .fields = response_fields,
                   .field_count = 2},
      .request_body = {.bytes = TEXT("grant_type=password"), .wire_bytes = 19, .is_captured = true},
      .response_body = {.bytes = TEXT(""), .wire_bytes = UINT64_MAX, .is_captured = true, .is_truncated = true},
      .is_response_local = true,
      .was_retried = true,
      .simulated = SIMULATED_EXPIRY,
      .ending = ENDED_REFUSED,
      .fault = FAULT_TRUNCATED,
      .fault_detail = TEXT("at byte 7"),
      .started_us = 1,
      .request_ended_us = 2,
      .responded_us = 3,
      .ended_us = INT64_MAX,
  };
  return o;
}

static size_t samples(struct observation made[16]) {
  size_t count = 0;
  made[count++] = token_exchange();
  made[count] = token_exchange();
  made[count++].kind = OBSERVED_EXCHANGE_END;
  made[count++] = (struct observation){.kind = OBSERVED_EXCHANGE};
  for (int alert = -1; alert <= 255; alert += 128)
    made[count++] = (struct observation){.kind = OBSERVED_CLIENT_TLS_FAILURE,
                                         .client_tls = {.connection_id = 9,
                                                        .client = TEXT("::1"),
                                                        .host = TEXT("h"),
                                                        .connect_user_agent = TEXT("curl"),
                                                        .alert = alert,
                                                        .is_tls13 = true}};
  made[count++] = (struct observation){
      .kind = OBSERVED_UPSTREAM_FAILURE,
      .upstream = {
          .exchange_id = 4, .host = TEXT("h"), .addresses = TEXT("1.2.3.4, ::1"), .port = 65535, .fault = FAULT_DNS, .detail = TEXT("d")}};
  made[count++] = (struct observation){.kind = OBSERVED_TUNNEL, .tunnel = {.host = TEXT("h"), .port = 443, .reason = TUNNEL_UPGRADED}};
  made[count++] = (struct observation){.kind = OBSERVED_TICK, .monotonic_us = INT64_MAX};
  made[count++] = (struct observation){.kind = OBSERVED_LOSS, .lost = UINT64_MAX};
  made[count++] = (struct observation){.kind = OBSERVED_END_OF_RUN};
  return count;
}

static void expect_head(const struct http_head *a, const struct http_head *b) {
  assert_true(text_equal(a->method, b->method) && text_equal(a->scheme, b->scheme) && text_equal(a->authority, b->authority));
  assert_true(text_equal(a->path, b->path) && text_equal(a->reason, b->reason) && text_equal(a->upgrade, b->upgrade));
  assert_true(a->is_absolute_form == b->is_absolute_form && a->expects_continue == b->expects_continue && a->wants_close == b->wants_close);
  assert_true(a->status == b->status && a->minor_version == b->minor_version && a->framing == b->framing && a->body_bytes == b->body_bytes);
  assert_int_equal(a->field_count, b->field_count);
  for (size_t i = 0; i < a->field_count; i++)
    assert_true(text_equal(a->fields[i].name, b->fields[i].name) && text_equal(a->fields[i].value, b->fields[i].value));
}

static void expect_body(const struct body *a, const struct body *b) {
  assert_true(text_equal(a->bytes, b->bytes) && a->wire_bytes == b->wire_bytes);
  assert_true(a->is_captured == b->is_captured && a->is_truncated == b->is_truncated);
}

static struct observation *there_and_back(const struct observation *observation) {
  struct text_out out = {0};
  struct observation *copy = NULL;
  size_t used = 0;
  assert_int_equal(observation_encode(observation, &out), 0);
  assert_int_equal(observation_decode(text_out_view(&out), &copy, &used), 0);
  assert_int_equal(used, out.length);
  memset(out.data, 'x', out.length); /* the copy does not point into it */
  text_out_free(&out);
  return copy;
}

static void an_exchange_comes_back_whole(void **state) {
  (void)state;
  struct observation sent = token_exchange();
  struct observation *got = there_and_back(&sent);
  const struct exchange *a = &sent.exchange, *b = &got->exchange;
  assert_true(got->kind == sent.kind && got->instance == sent.instance && got->sequence == sent.sequence && got->wall_ms == sent.wall_ms);
  assert_true(a->id == b->id && a->connection_id == b->connection_id && text_equal(a->client, b->client));
  assert_null(b->connect_user_agent.data); /* absent stays absent, empty stays empty */
  assert_non_null(b->response_body.bytes.data);
  expect_head(&a->request, &b->request);
  expect_head(&a->response, &b->response);
  expect_body(&a->request_body, &b->request_body);
  expect_body(&a->response_body, &b->response_body);
  assert_true(b->is_response_local && b->was_retried && b->simulated == SIMULATED_EXPIRY && b->ending == ENDED_REFUSED &&
              b->fault == FAULT_TRUNCATED);
  assert_true(text_equal(a->fault_detail, b->fault_detail));
  assert_true(b->started_us == 1 && b->request_ended_us == 2 && b->responded_us == 3 && b->ended_us == INT64_MAX);
  observation_free(got);
}

static void what_is_no_exchange_comes_back_whole(void **state) {
  (void)state;
  struct observation made[16];
  samples(made);
  struct observation *tls = there_and_back(&made[3]);
  assert_true(tls->client_tls.alert == -1 && tls->client_tls.is_tls13 && !tls->client_tls.was_after_handshake);
  assert_true(text_equal(tls->client_tls.connect_user_agent, TEXT("curl")) && tls->client_tls.connection_id == 9);
  struct observation *upstream = there_and_back(&made[6]);
  assert_true(upstream->upstream.exchange_id == 4 && upstream->upstream.port == 65535 && upstream->upstream.fault == FAULT_DNS);
  assert_true(text_equal(upstream->upstream.addresses, TEXT("1.2.3.4, ::1")) && text_equal(upstream->upstream.detail, TEXT("d")));
  struct observation *tunnel = there_and_back(&made[7]);
  assert_true(tunnel->tunnel.port == 443 && tunnel->tunnel.reason == TUNNEL_UPGRADED && text_equal(tunnel->tunnel.host, TEXT("h")));
  struct observation *loss = there_and_back(&made[9]);
  assert_true(loss->lost == UINT64_MAX);
  observation_free(tls);
  observation_free(upstream);
  observation_free(tunnel);
  observation_free(loss);
}

static void records_stand_one_behind_the_other(void **state) {
  (void)state;
  struct observation made[16];
  struct text_out out = {0}, again = {0};
  size_t count = samples(made), met = 0;
  for (size_t i = 0; i < count; i++)
    assert_int_equal(observation_encode(&made[i], &out), 0);
  for (struct text rest = text_out_view(&out); rest.length; met++) {
    struct observation *got;
    size_t used;
    assert_int_equal(observation_decode(rest, &got, &used), 0);
    assert_int_equal(got->kind, made[met].kind);
    assert_int_equal(observation_encode(got, &again), 0);
    observation_free(got);
    rest = text_slice(rest, used, rest.length);
  }
  assert_int_equal(met, count);
  assert_true(text_equal(text_out_view(&again), text_out_view(&out)));
  text_out_free(&out);
  text_out_free(&again);
}

static void wants_more_of_every_prefix(void **state) {
  (void)state;
  struct observation made = token_exchange(), *got = NULL;
  struct text_out out = {0};
  size_t used = 42;
  observation_encode(&made, &out);
  for (size_t length = 0; length < out.length; length++) {
    char *exact = malloc(length ? length : 1);
    if (length)
      memcpy(exact, out.data, length);
    assert_int_equal(observation_decode(text_of(exact, length), &got, &used), ERROR_NEED_MORE);
    free(exact);
  }
  assert_true(got == NULL && used == 42);
  text_out_free(&out);
}

/* Every byte changed in every bit: it decodes to something that encodes to the same bytes, or it is refused. */
static void a_flipped_bit_is_refused_or_means_what_it_says(void **state) {
  (void)state;
  struct observation made[16];
  size_t count = samples(made), refused = 0;
  for (size_t i = 0; i < count; i++) {
    struct text_out out = {0}, again = {0};
    observation_encode(&made[i], &out);
    for (size_t bit = 0; bit < out.length * 8; bit++) {
      struct observation *got;
      size_t used;
      out.data[bit / 8] ^= (char)(1 << bit % 8);
      if (observation_decode(text_out_view(&out), &got, &used) == 0) {
        text_out_reset(&again);
        assert_int_equal(observation_encode(got, &again), 0);
        assert_true(text_equal(text_out_view(&again), text_slice(text_out_view(&out), 0, used)));
        observation_free(got);
      } else {
        refused++;
      }
      out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    text_out_free(&out);
    text_out_free(&again);
  }
  assert_true(refused > 0);
}

static void refuses_other_versions_and_other_files(void **state) {
  (void)state;
  struct observation made = {.kind = OBSERVED_TICK}, *got;
  struct text_out out = {0};
  size_t used;
  observation_encode(&made, &out);
  out.data[3]++;
  assert_int_equal(observation_decode(text_out_view(&out), &got, &used), ERROR_UNSUPPORTED);
  assert_int_equal(observation_decode(TEXT("{\"log\":{}}"), &got, &used), ERROR_MALFORMED);
  assert_int_equal(observation_decode(TEXT("oob\x02\xff\xff\xff\xff"), &got, &used), ERROR_MALFORMED); /* 4 GiB are never awaited */
  assert_int_equal(observation_decode(TEXT_NONE, &got, &used), ERROR_NEED_MORE);
  text_out_free(&out);
}

static void every_fault_has_a_name_and_a_text_of_its_own(void **state) {
  (void)state;
  for (int i = 0; i < FAULT_COUNT; i++) {
    assert_non_null(fault_name((enum fault)i));
    assert_non_null(fault_text((enum fault)i));
    for (int j = 0; j < i; j++)
      assert_string_not_equal(fault_name((enum fault)i), fault_name((enum fault)j));
  }
  assert_string_equal(fault_name(FAULT_COUNT), "unknown");
  assert_true(fault_is_certificate(FAULT_CERTIFICATE_OTHER) && !fault_is_certificate(FAULT_TLS_VERSION) &&
              !fault_is_certificate(FAULT_OWN_ADDRESS));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exchange_comes_back_whole),
      cmocka_unit_test(what_is_no_exchange_comes_back_whole),
      cmocka_unit_test(records_stand_one_behind_the_other),
      cmocka_unit_test(wants_more_of_every_prefix),
      cmocka_unit_test(a_flipped_bit_is_refused_or_means_what_it_says),
      cmocka_unit_test(refuses_other_versions_and_other_files),
      cmocka_unit_test(every_fault_has_a_name_and_a_text_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
