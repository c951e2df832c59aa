import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesIn } from './mail-routes.ts';

test('relay hosts and own domains, by their names in each configuration', () => {
  const files = new Map([
    ['/etc/mail/sendmail.cf', 'V10\nDSesmtp:[smart.example.org]\nDRother\n'],
    ['/etc/mail/local-host-names', '# ours\nexample.com\n'],
    [
      '/etc/exim4/update-exim4.conf.conf',
      "dc_smarthost='mail.example.org::587'\ndc_other_hostnames='a.example;b.example'\n",
    ],
  ]);
  const postfix = [
    'relayhost = [smtp.example.net]:587',
    'smtp_fallback_relay = backup.example.net, [198.51.100.1]',
    'default_transport = smtp',
    'relay_transport = relay:[inside.example.net]:25',
    'mydomain = localdomain',
    'mydestination = example.org, localhost, hash:/etc/postfix/domains',
    'virtual_mailbox_domains = ',
  ].join('\n');
  assert.deepEqual(
    routesIn(postfix, (path) => files.get(path) ?? ''),
    {
      relays: ['smtp.example.net', 'backup.example.net', 'inside.example.net', 'mail.example.org', 'smart.example.org'],
      domains: ['example.org', 'a.example', 'b.example', 'example.com'],
    },
  );
});

test('what is no name is none, and there are not too many', () => {
  const many = Array.from({ length: 500 }, (_, at) => `d${at}.example`).join(' ');
  const { relays, domains } = routesIn(`relayhost = ../etc 10.0.0.1 -x.example\nmydestination = ${many}`, () => '');
  assert.deepEqual([relays, domains.length], [[], 100]);
});
