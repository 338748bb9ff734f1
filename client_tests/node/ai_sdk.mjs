// Vercel's AI SDK with its OpenAI provider's Responses model: `node ai_sdk.mjs SCENARIO MODEL TEXT` writes what was seen
// as JSON. STORE says whether responses may be kept: then the SDK refers to items instead of sending them again.

import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";

const { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey, STORE } = process.env;
const openai = createOpenAI({ baseURL, apiKey });
const store = STORE === "true";
const providerOptions = {
  openai: { store, reasoningSummary: "auto", ...(store ? {} : { include: ["reasoning.encrypted_content"] }) },
};
const Invoice = z.object({ customer: z.string(), total: z.number(), items: z.array(z.string()) });
const Weather = z.object({ city: z.string(), days: z.number().int() });

const asked = (model, prompt) => ({ model: openai.responses(model), prompt, providerOptions, maxRetries: 0 });

function withTools(calls) {
  const get_weather = tool({
    description: "Tell the weather of a city for some days.",
    inputSchema: Weather,
    execute: ({ city, days }) => {
      calls.push(["get_weather", { city, days }]);
      return `${days} days of rain in ${city}`;
    },
  });
  return { tools: { get_weather }, stopWhen: isStepCount(3) };
}

async function plain(model, text) {
  const answer = await generateText(asked(model, text));
  return { text: answer.text, finish: answer.finishReason, tokens: answer.usage.outputTokens };
}

// Errors of a stream are told to a callback; here they are to end the program.
const strict = {
  onError: ({ error }) => {
    throw error;
  },
};

async function stream(model, text) {
  const deltas = [];
  for await (const delta of streamText({ ...asked(model, text), ...strict }).textStream) deltas.push(delta);
  return { deltas };
}

async function tools(model, text) {
  const calls = [];
  const answer = await generateText({ ...asked(model, text), ...withTools(calls) });
  return { calls, text: answer.text, steps: answer.steps.length };
}

async function streamTools(model, text) {
  const calls = [];
  const answer = streamText({ ...asked(model, text), ...withTools(calls), ...strict });
  return { text: await answer.text, calls };
}

async function parse(model, text) {
  return (await generateText({ ...asked(model, text), output: Output.object({ schema: Invoice }) })).output;
}

const scenarios = { plain, stream, tools, stream_tools: streamTools, parse };

const [name, model, text] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await scenarios[name](model, text)));
