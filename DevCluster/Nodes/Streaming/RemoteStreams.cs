using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>Columns and rows of the client's terminal.</summary>
internal sealed record TerminalSize(ushort Width, ushort Height)
{
    /// <summary>As kubectl writes it; null for anything else.</summary>
    public static TerminalSize? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, NodeFiles.Default.TerminalSize);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

internal sealed record RemoteOptions(bool Stdin, bool Stdout, bool Stderr, bool Tty)
{
    public static RemoteOptions Of(IQueryCollection query)
    {
        var options = new RemoteOptions(Flag("stdin"), Flag("stdout"), Flag("stderr") && !Flag("tty"), Flag("tty"));
        return options.Stdin || options.Stdout || options.Stderr ? options : throw ApiException.BadRequest("you must specify at least 1 of stdin, stdout, stderr");

        bool Flag(string name) => query[name].ToString() is "true" or "1";
    }
}

/// <summary>A client's standard streams, by whichever protocol they come.</summary>
internal interface IRemoteStreams : IAsyncDisposable
{
    /// <summary>Null when the client sends none.</summary>
    Stream? Stdin { get; }

    ChannelReader<TerminalSize> Sizes { get; }

    /// <summary>The client has gone.</summary>
    CancellationToken Gone { get; }

    Task StdoutAsync(ReadOnlyMemory<byte> data);

    Task StderrAsync(ReadOnlyMemory<byte> data);

    /// <summary>The last word: a Status that says how it ended.</summary>
    Task FinishAsync(JsonObject status);
}

internal static class RemoteStatus
{
    public static JsonObject Success() => new() { ["metadata"] = new JsonObject(), ["status"] = "Success" };

    public static JsonObject ExitCode(int code) => code == 0 ? Success() : new JsonObject
    {
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = $"command terminated with non-zero exit code: error executing command, exit code {code}",
        ["reason"] = "NonZeroExitCode",
        ["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ExitCode", ["message"] = code.ToString(null, null) }) },
    };

    public static JsonObject Error(string message) => ApiException.Internal(message).ToStatus();
}
