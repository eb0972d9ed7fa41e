using System.Text.Json;

namespace Troupe.Messages.Protocol.Launcher;

/// <summary>
/// One frame on the launcher's unix socket: 4 bytes big-endian length, then this as JSON.
/// A reply repeats the request's <see cref="Id"/>; a pushed event has id 0. Example:
/// <code>{"id":7,"m":"launcher.shutdown-domain.1","b":{"epoch":1}}</code>
/// </summary>
/// <param name="M">Manifest of the body.</param>
/// <param name="B">The body.</param>
public sealed record LauncherFrame(long Id, string M, JsonElement B);
