"""The provider's language and the neutral one: Gemini's generateContent, pure."""
