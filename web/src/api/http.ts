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

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function isGone(error: unknown): boolean {
  return error instanceof Refused && error.status === 404;
}
