/** Requests to the server. The one place that knows of signing in: what a request needs for it goes in here. */

import { Refused, refusalOf, Unreachable } from "./problems";

export type Ask = {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

/** The response, if it is a good one. Throws Refused, Unreachable, and AbortError. */
export async function request(path: string, ask: Ask = {}): Promise<Response> {
  const { method = "GET", body, headers = {}, signal } = ask;
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json", ...headers };
  }
  if (signal !== undefined) {
    init.signal = signal;
  }
  const response = await fetch(path, init).catch((error: unknown) => {
    throw isAbort(error) ? error : new Unreachable();
  });
  if (response.ok) {
    return response;
  }
  throw await refusalOf(response);
}

export async function json<T>(path: string, ask: Ask = {}): Promise<T> {
  const response = await request(path, ask);
  return (await response.json().catch((error: unknown) => {
    throw isAbort(error) ? error : new Unreachable();
  })) as T;
}

export type Sending = {
  body: Blob;
  headers: Record<string, string>;
  /** Told how much has gone out, from 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
};

/** Send bytes, and tell how far they are, which `fetch` does not. Throws as `request` does. */
export async function post<T>(path: string, { body, headers, onProgress, signal }: Sending): Promise<T> {
  const sent = new XMLHttpRequest();
  sent.open("POST", path);
  for (const [name, value] of Object.entries(headers)) {
    sent.setRequestHeader(name, value);
  }
  sent.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
  const stop = () => sent.abort();
  signal.addEventListener("abort", stop);
  await new Promise<void>((resolve, reject) => {
    sent.onload = () => resolve();
    sent.onerror = () => reject(new Unreachable());
    sent.onabort = () => reject(new DOMException("Given up", "AbortError"));
    sent.send(body);
  }).finally(() => signal.removeEventListener("abort", stop));
  if (sent.status >= 200 && sent.status < 300) {
    return JSON.parse(sent.responseText) as T;
  }
  const retry = sent.getResponseHeader("Retry-After");
  const told = { status: sent.status, headers: retry === null ? {} : { "Retry-After": retry } };
  throw await refusalOf(new Response(sent.responseText, told));
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function isGone(error: unknown): boolean {
  return error instanceof Refused && error.status === 404;
}
