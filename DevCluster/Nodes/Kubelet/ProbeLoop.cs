using System.Net.Sockets;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Kubelet;

internal sealed record ProbeOutcome(bool Healthy, string Message);

/// <summary>What the probes of one run of a container say now.</summary>
internal sealed record ProbeVerdict(bool Started, bool Ready, string? Unhealthy);

/// <summary>Runs a container's startup, then readiness and liveness probes until cancelled, and reports each change of the verdict.</summary>
internal sealed class ProbeLoop(
    Container container, string podIp, Func<IReadOnlyList<string>, CancellationToken, Task<CommandResult>> exec, TimeProvider time, Action<string> unhealthyEvent, ILogger log)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        // A kubelet does not verify the certificate of an HTTPS probe's target either.
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    });

    public static bool Needed(Container container) => container is not { StartupProbe: null, ReadinessProbe: null, LivenessProbe: null };

    public static ProbeVerdict Initial(Container container) =>
        new(container.StartupProbe is null, container.ReadinessProbe is null, null);

    public async Task RunAsync(Action<ProbeVerdict> report, CancellationToken ct)
    {
        var verdict = Initial(container);
        var gate = new Lock();
        void Change(Func<ProbeVerdict, ProbeVerdict> change)
        {
            lock (gate)
            {
                var next = change(verdict);
                if (next == verdict) return;
                verdict = next;
                report(next);
            }
        }

        if (container.StartupProbe is { } startup)
        {
            if (!await UntilDecidedAsync(startup, ct))
            {
                Change(old => old with { Unhealthy = $"Container {container.Name} failed startup probe, will be restarted" });
                return;
            }
            Change(old => old with { Started = true });
        }
        await Task.WhenAll(
            container.ReadinessProbe is { } readiness
                ? EachAsync(readiness, "Readiness", false, healthy => Change(old => old with { Ready = healthy }), ct)
                : Task.CompletedTask,
            container.LivenessProbe is { } liveness
                ? EachAsync(liveness, "Liveness", true, healthy =>
                {
                    if (!healthy) Change(old => old with { Unhealthy = $"Container {container.Name} failed liveness probe, will be restarted" });
                }, ct)
                : Task.CompletedTask);
    }

    private async Task<bool> UntilDecidedAsync(Probe probe, CancellationToken ct)
    {
        var decided = new TaskCompletionSource<bool>();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var loop = EachAsync(probe, "Startup", null, healthy =>
        {
            decided.TrySetResult(healthy);
            done.Cancel();
        }, done.Token);
        try
        {
            await loop;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // decided
        }
        return await decided.Task;
    }

    /// <summary>Calls back whenever the thresholds change the state (null: not known yet).</summary>
    private async Task EachAsync(Probe probe, string kind, bool? state, Action<bool> changed, CancellationToken ct)
    {
        if (probe.InitialDelaySeconds > 0) await Task.Delay(TimeSpan.FromSeconds(probe.InitialDelaySeconds), time, ct);
        int successes = 0, failures = 0;
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(Math.Max(1, probe.PeriodSeconds)), time);
        do
        {
            var outcome = await ProbeAsync(probe, ct);
            (successes, failures) = outcome.Healthy ? (successes + 1, 0) : (0, failures + 1);
            if (!outcome.Healthy) unhealthyEvent($"{kind} probe failed: {outcome.Message}");
            if (outcome.Healthy && state != true && successes >= probe.SuccessThreshold) changed((state = true).Value);
            if (!outcome.Healthy && state != false && failures >= probe.FailureThreshold) changed((state = false).Value);
        }
        while (await timer.WaitForNextTickAsync(ct));
    }

    private async Task<ProbeOutcome> ProbeAsync(Probe probe, CancellationToken ct)
    {
        var limit = TimeSpan.FromSeconds(Math.Max(1, probe.TimeoutSeconds));
        using var timeout = new CancellationTokenSource(limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            return probe switch
            {
                { Exec: { } action } => await ExecAsync(action, both.Token),
                { TcpSocket: { } action } => await TcpAsync(action, both.Token),
                { HttpGet: { } action } => await HttpAsync(action, both.Token),
                _ => new ProbeOutcome(false, "this kubelet has no such probe handler"),
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new ProbeOutcome(false, $"command timed out after {limit.TotalSeconds:0}s");
        }
        catch (Exception failure) when (failure is SocketException or HttpRequestException or HostException)
        {
            log.LogDebug("Probe of {Container}: {Error}", container.Name, failure.Message);
            return new ProbeOutcome(false, failure.Message);
        }
    }

    private async Task<ProbeOutcome> ExecAsync(ExecAction action, CancellationToken ct)
    {
        var result = await exec(action.Command, ct);
        return new ProbeOutcome(result.Ok, (result.Output + result.Error).Trim());
    }

    private async Task<ProbeOutcome> TcpAsync(TcpSocketAction action, CancellationToken ct)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(action.Host.Length > 0 ? action.Host : podIp, Port(action.Port), ct);
        return new ProbeOutcome(true, "");
    }

    private async Task<ProbeOutcome> HttpAsync(HttpGetAction action, CancellationToken ct)
    {
        var host = action.Host.Length > 0 ? action.Host : podIp;
        var path = action.Path.StartsWith('/') ? action.Path : "/" + action.Path;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{action.Scheme.ToLowerInvariant()}://{host}:{Port(action.Port)}{path}");
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.34");
        foreach (var header in action.HttpHeaders) request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        var code = (int)response.StatusCode;
        return new ProbeOutcome(code is >= 200 and < 400, $"HTTP probe failed with statuscode: {code}");
    }

    private int Port(IntOrString? port) => port?.Number
        ?? container.Ports.Find(named => named.Name == port?.Text)?.Number
        ?? throw new HostException($"couldn't find port: {port?.Text}");
}
