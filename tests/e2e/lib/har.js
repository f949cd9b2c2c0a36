// har.js - exchanges as the vectors describe them, as a HAR 1.2 document.
const start = Date.parse('2026-03-02T09:00:00Z');

const fields = (headers) => Object.entries(headers ?? {}).flatMap(([name, values]) => [values].flat().map((value) => ({ name, value: String(value) })));
const field = (headers, wanted) => fields(headers).find(({ name }) => name.toLowerCase() === wanted)?.value ?? '';
const asText = (body) => (body === null || body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));

export function harEntry(exchange) {
  const request = asText(exchange.request_body), response = asText(exchange.response_body);
  return {
    startedDateTime: new Date(start + exchange.seconds_since_start * 1000).toISOString(), time: (exchange.duration ?? 0.1) * 1000,
    request: { method: exchange.method, url: exchange.url, httpVersion: 'HTTP/1.1', headers: fields(exchange.request_headers), queryString: [], cookies: [], headersSize: -1, bodySize: Buffer.byteLength(request),
      ...(request ? { postData: { mimeType: field(exchange.request_headers, 'content-type'), text: request } } : {}) },
    response: { status: exchange.status, statusText: '', httpVersion: 'HTTP/1.1', headers: fields(exchange.response_headers), cookies: [], redirectURL: '', headersSize: -1, bodySize: -1,
      content: { size: Buffer.byteLength(response), mimeType: field(exchange.response_headers, 'content-type'), text: response } },
    cache: {}, timings: { send: 0, wait: 0, receive: 0 },
  };
}

export const har = (exchanges) => ({ log: { version: '1.2', creator: { name: 'tests', version: '1' }, entries: exchanges.map(harEntry) } });
