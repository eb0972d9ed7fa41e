using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Operations;

/// <summary>Commands to the agent inside of the guest.</summary>
internal sealed class GuestAgent(DomainHost host, TimeProvider time)
{
    private const int TimeoutSeconds = 5;
    private static readonly TimeSpan ExecPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>Everything that it tells. A question that this agent does not know is left out.</summary>
    /// <exception cref="LibvirtException">It does not answer at all.</exception>
    public async Task<(GuestAgentObservation Agent, IReadOnlyList<InterfaceObservation>? Links)> ReadAsync(CancellationToken ct)
    {
        var info = await AskAsync("guest-info", ct).ConfigureAwait(false);
        var commands = AgentFacts.Commands(info);
        var agent = new GuestAgentObservation(true, AgentFacts.Version(info), await TryAsync("guest-get-osinfo", AgentFacts.Os).ConfigureAwait(false))
        {
            Commands = commands,
            Hostname = await TryAsync("guest-get-host-name", h => h.GetProperty("host-name").GetString()).ConfigureAwait(false),
            Timezone = await TryAsync("guest-get-timezone", AgentFacts.Timezone).ConfigureAwait(false),
            Users = await TryAsync("guest-get-users", AgentFacts.Users).ConfigureAwait(false) ?? [],
            Filesystems = await TryAsync("guest-get-fsinfo", AgentFacts.Filesystems).ConfigureAwait(false) ?? [],
            FsFreezeStatus = await TryAsync("guest-fsfreeze-status", s => s.GetString()).ConfigureAwait(false),
        };
        return (agent, await TryAsync("guest-network-get-interfaces", AgentFacts.Interfaces).ConfigureAwait(false));

        async Task<T?> TryAsync<T>(string command, Func<JsonElement, T> read) where T : class?
        {
            if (!commands.Contains(command))
                return null;
            try
            {
                return read(await AskAsync(command, ct).ConfigureAwait(false));
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException || e is LibvirtException { Code: not LibvirtNative.ErrorAgentUnresponsive })
            {
                // One question that cannot be answered (no time zone, a frozen file system) takes nothing from the others.
                return null;
            }
        }
    }

    public Task PingAsync(int timeoutSeconds, CancellationToken ct) => host.AgentCommandAsync("""{"execute":"guest-ping"}""", Math.Max(1, timeoutSeconds), ct);

    /// <exception cref="TimeoutException">The program did not end in time; it goes on.</exception>
    public async Task<OperationResult> ExecAsync(ExecInGuest exec, CancellationToken ct)
    {
        var arguments = new JsonObject { ["path"] = exec.Command, ["arg"] = new JsonArray([.. exec.Args.Select(a => (JsonNode)a)]), ["capture-output"] = true };
        var started = await AskAsync("guest-exec", ct, arguments).ConfigureAwait(false);
        var pid = started.GetProperty("pid").GetInt64();
        var deadline = time.GetUtcNow() + TimeSpan.FromSeconds(Math.Max(1, exec.TimeoutSeconds));
        while (true)
        {
            var status = await AskAsync("guest-exec-status", ct, new JsonObject { ["pid"] = pid }).ConfigureAwait(false);
            if (status.GetProperty("exited").GetBoolean())
            {
                // A program that was killed has a signal instead of an exit code; a shell counts it so.
                const int KilledBySignal = 128;
                var code = status.TryGetProperty("exitcode", out var exit) ? exit.GetInt32() : status.TryGetProperty("signal", out var signal) ? KilledBySignal + signal.GetInt32() : -1;
                return new OperationResult(Output(status, "out-data") + Output(status, "err-data"), ExitCode: code);
            }

            if (time.GetUtcNow() >= deadline)
                throw new TimeoutException($"{exec.Command} did not end within {exec.TimeoutSeconds} s");
            await Task.Delay(ExecPoll, time, ct).ConfigureAwait(false);
        }
    }

    private static string Output(JsonElement status, string name) => status.TryGetProperty(name, out var data) ? Encoding.UTF8.GetString(data.GetBytesFromBase64()) : "";

    private async Task<JsonElement> AskAsync(string command, CancellationToken ct, JsonObject? arguments = null)
    {
        var request = new JsonObject { ["execute"] = command };
        if (arguments is not null)
            request["arguments"] = arguments;
        return AgentFacts.Return(await host.AgentCommandAsync(request.ToJsonString(), TimeoutSeconds, ct).ConfigureAwait(false));
    }
}
