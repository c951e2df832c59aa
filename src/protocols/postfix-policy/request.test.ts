import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { attributesMax, encodeRequest, findRequest, requestAttributes } from './request.ts';
import type { Parsed, PolicyRequest } from './request.ts';

/** What a request is that ends where the text ends. */
const parse = (text: string): Parsed => {
  const found = findRequest(text, 0);
  assert.equal(found?.next, text.length, JSON.stringify(text));
  return found.parsed;
};
const first = 'request=smtpd_access_policy\n';

/** What a Postfix 3.7 sent at RCPT, after STARTTLS, without authentication. */
const fromPostfix = `${first}protocol_state=RCPT
protocol_name=ESMTP
client_address=2001:db8::25
client_name=mail.example.org
client_port=40022
reverse_client_name=mail.example.org
server_address=2001:db8:1::1
server_port=25
helo_name=mail.example.org
sender=a=b@example.org
recipient=alice@lab.test
recipient_count=0
queue_id=
instance=1669.6920a1b2.3c4d.0
size=260
etrn_domain=
stress=
sasl_method=
sasl_username=
sasl_sender=
ccert_subject=
ccert_issuer=
ccert_fingerprint=
ccert_pubkey_fingerprint=
encryption_protocol=TLSv1.3
encryption_cipher=TLS_AES_256_GCM_SHA384
encryption_keysize=256
policy_context=

`;

test('what Postfix sends is read: kept attributes as they stand, others passed over', () => {
  assert.deepEqual(parse(fromPostfix), {
    kind: 'request',
    request: {
      protocol_state: 'RCPT',
      client_address: '2001:db8::25',
      helo_name: 'mail.example.org',
      sender: 'a=b@example.org',
      recipient: 'alice@lab.test',
      sasl_username: '',
      queue_id: '',
      instance: '1669.6920a1b2.3c4d.0',
      size: '260',
    },
  });
});

test('what is no policy request is garbage, and why is told', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['\n', 'not-a-policy-request'],
    ['GET / HTTP/1.0\n\n', 'not-a-policy-request'],
    ['request=smtpd_access_policy2\n\n', 'not-a-policy-request'],
    [`sender=a\n${first}\n`, 'not-a-policy-request'],
    [`${first}sender\n\n`, 'no-equals-sign'],
    [`${first}sender\nrecipient=b\n\n`, 'no-equals-sign'],
    [`${first}sender=a\0b\n\n`, 'nul'],
    [`${first}${'x=y\n'.repeat(attributesMax)}\n`, 'too-many-attributes'],
  ];
  for (const [text, why] of rows) assert.deepEqual(parse(text), { kind: 'garbage', why }, JSON.stringify(text));
});

test('as many attributes as allowed are read', () => {
  const { kind } = parse(`${first}${'x=y\n'.repeat(attributesMax - 1)}\n`);
  assert.equal(kind, 'request');
});

test('a name that only begins or ends like a known one is another name', () => {
  const parsed = parse(`${first}sendex=1\nxsender=2\nsenders=3\n=4\nsender =5\n\n`);
  assert.equal(parsed.kind === 'request' && parsed.request.sender, '');
});

test('of two equal names the first that says something holds', () => {
  const parsed = parse(`${first}sender=\nsender=a\nsender=b\n\n`);
  assert.equal(parsed.kind === 'request' && parsed.request.sender, 'a');
});

const value = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replaceAll(/[\n\0]|[^\0-\xff]/g, ''));
const anyRequest: fc.Arbitrary<PolicyRequest> = fc
  .tuple(...requestAttributes.map(() => value))
  .map(([a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = '', i = '']) => ({
    protocol_state: a,
    client_address: b,
    helo_name: c,
    sender: d,
    recipient: e,
    sasl_username: f,
    queue_id: g,
    instance: h,
    size: i,
  }));

test('what was encoded is read back', () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      assert.deepEqual(parse(encodeRequest(request)), { kind: 'request', request });
    }),
  );
});

test('no line of text makes it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (parts) => {
      const text = `${first}${parts.map((part) => `x${part.replaceAll('\n', '')}\n`).join('')}\n`;
      assert.match(parse(text).kind, /^(request|garbage)$/);
    }),
  );
});
