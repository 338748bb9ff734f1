// OpenAI's Node library: responses that are kept, run in the background, counted, compacted, or told over a socket.
// `node openai_node_state.mjs SCENARIO MODEL TEXT` writes what was seen as JSON; client_tests/state.py judges it.

import OpenAI from "openai";
import { zodResponsesFunction } from "openai/helpers/zod";
import { ResponsesWS } from "openai/resources/responses/ws";
import { z } from "zod";

const client = new OpenAI();
const Weather = z.object({ city: z.string(), days: z.number().int() });
const tools = [zodResponsesFunction({ name: "get_weather", parameters: Weather })];
const further = ["And then?", "And at last?"];
const leftAfter = 12;

const callsOf = (response) => response.output.filter((item) => item.type === "function_call");
const told = (calls) => calls.map(({ name, arguments: given }) => [name, JSON.parse(given)]);

function results(response) {
  return callsOf(response).map(({ call_id, arguments: given }) => {
    const { city, days } = JSON.parse(given);
    return { type: "function_call_output", call_id, output: `${days} days of rain in ${city}` };
  });
}

async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    if (error instanceof OpenAI.APIError) return { status: error.status, code: error.code, param: error.param ?? null };
    throw error;
  }
  return null;
}

async function chain(model, text) {
  const turns = [await client.responses.create({ model, input: text })];
  for (const input of further) {
    turns.push(await client.responses.create({ model, input, previous_response_id: turns.at(-1).id }));
  }
  return {
    texts: turns.map((turn) => turn.output_text),
    ids: turns.map((turn) => turn.id),
    previous: turns.map((turn) => turn.previous_response_id),
  };
}

async function chainTools(model, text) {
  const first = await client.responses.parse({ model, input: text, tools });
  const asked = { model, input: results(first), previous_response_id: first.id, tools };
  const last = await client.responses.parse(asked);
  return { calls: told(callsOf(first)), text: last.output_text };
}

async function stored(model, text) {
  const asked = { model, input: [{ role: "user", content: text }], metadata: { topic: "sea" } };
  const made = await client.responses.create(asked);
  const kept = await client.responses.retrieve(made.id);
  const items = [];
  for await (const item of client.responses.inputItems.list(made.id, { order: "asc" })) items.push(item);
  await client.responses.delete(made.id);
  return {
    same: JSON.stringify(kept.output) === JSON.stringify(made.output) && kept.output_text === made.output_text,
    metadata: kept.metadata,
    asked: items.filter((item) => item.type === "message").flatMap((item) => item.content.map((part) => part.text)),
    gone: await errorOf(() => client.responses.retrieve(made.id)),
    followed: await errorOf(() => client.responses.create({ model, input: "x", previous_response_id: made.id })),
  };
}

async function unstored(model, text) {
  const made = await client.responses.create({ model, input: text, store: false });
  return { store: made.store, gone: await errorOf(() => client.responses.retrieve(made.id)) };
}

async function background(model, text) {
  const begun = await client.responses.create({ model, input: text, background: true });
  let response = begun;
  while (["queued", "in_progress"].includes(response.status)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    response = await client.responses.retrieve(begun.id);
  }
  return { begun: begun.status, status: response.status, text: response.output_text, background: response.background };
}

async function cancel(model, text) {
  const begun = await client.responses.create({ model, input: text, background: true });
  const cancelled = [];
  for (let time = 0; time < 2; time++) cancelled.push((await client.responses.cancel(begun.id)).status);
  return { cancelled, status: (await client.responses.retrieve(begun.id)).status };
}

async function resumed(model, text) {
  const seen = [];
  for await (const event of await client.responses.create({ model, input: text, background: true, stream: true })) {
    seen.push(event);
    if (seen.length === leftAfter) break;
  }
  const { id } = seen[0].response;
  const rest = { stream: true, starting_after: seen.at(-1).sequence_number };
  for await (const event of await client.responses.retrieve(id, rest)) seen.push(event);
  const again = [];
  for await (const event of await client.responses.retrieve(id, { stream: true })) again.push(event.type);
  const types = seen.map((event) => event.type);
  const deltas = seen.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
  const [message] = seen.at(-1).response.output.filter((item) => item.type === "message");
  return {
    numbers: seen.map((event) => event.sequence_number),
    again: JSON.stringify(again) === JSON.stringify(types),
    types,
    deltas,
    text: message.content[0].text,
  };
}

async function count(model, text) {
  const first = await client.responses.create({ model, input: text });
  const { inputTokens } = client.responses;
  const alone = await inputTokens.count({ model, input: text });
  const after = await inputTokens.count({ model, input: text, previous_response_id: first.id });
  return { alone: alone.input_tokens, after: after.input_tokens, used: first.usage.input_tokens };
}

async function compact(model, text) {
  const talk = Array.from({ length: 200 }, (_, number) => ({ role: "user", content: `${text} ${number}` }));
  const small = await client.responses.compact({ model, input: talk });
  const after = await client.responses.create({ model, input: [...small.output, { role: "user", content: further[0] }] });
  return {
    object: small.object,
    types: small.output.map((item) => item.type),
    sizes: [talk, small.output].map((each) => JSON.stringify(each).length),
    tokens: small.usage.total_tokens,
    text: after.output_text,
  };
}

const endings = new Set(["response.completed", "response.failed", "response.incomplete", "error"]);

// One conversation on one socket: `tell(request)` resolves to the events up to the terminal one.
async function onSocket(talk) {
  const connection = new ResponsesWS(client);
  const messages = connection.stream();
  async function tell(request) {
    connection.send({ type: "response.create", ...request });
    const events = [];
    for (;;) {
      const { value, done } = await messages.next();
      if (done) throw new Error("the socket ended within a response");
      const event = value.type === "message" ? value.message : value.type === "error" ? value.error.error : null;
      if (!event) continue;
      events.push(event);
      if (endings.has(event.type)) return events;
    }
  }
  try {
    return await talk(tell);
  } finally {
    connection.close();
  }
}

const textOf = (response) =>
  response.output.flatMap((item) => (item.type === "message" ? item.content.map((part) => part.text) : [])).join("");

async function socket(model, text) {
  return onSocket(async (tell) => {
    const turns = [];
    for (const input of [text, ...further]) {
      const more = turns.length ? { previous_response_id: turns.at(-1).at(-1).response.id } : {};
      turns.push(await tell({ model, input, store: false, ...more }));
    }
    const wrong = (await tell({ model, input: text, previous_response_id: "resp_made_up" })).at(-1);
    const alive = (await tell({ model, input: text, store: false })).at(-1);
    const ends = turns.map((turn) => turn.at(-1).response);
    return {
      types: turns[0].map((event) => event.type),
      deltas: turns.map((turn) =>
        turn.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta),
      ),
      texts: ends.map(textOf),
      previous: ends.map((end) => end.previous_response_id),
      ids: ends.map((end) => end.id),
      gone: await errorOf(() => client.responses.retrieve(ends[0].id)),
      wrong: { type: wrong.type, status: wrong.status, code: wrong.error.code },
      alive: alive.type,
    };
  });
}

async function socketTools(model, text) {
  return onSocket(async (tell) => {
    const first = (await tell({ model, input: text, tools, store: false })).at(-1).response;
    const asked = { model, input: results(first), previous_response_id: first.id, tools, store: false };
    const last = (await tell(asked)).at(-1).response;
    return { calls: told(callsOf(first)), text: textOf(last) };
  });
}

const scenarios = {
  chain,
  chain_tools: chainTools,
  stored,
  unstored,
  background,
  cancel,
  resumed,
  count,
  compact,
  socket,
  socket_tools: socketTools,
};

const [name, model, text] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await scenarios[name](model, text)));
