using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Dhcp;

/// <summary>dnsmasq on a pod's bridge, with one address for one guest and no DNS of its own.</summary>
internal sealed class DhcpServer(PreparedInterface nic, string folder, Action<string> log) : IAsyncDisposable
{
    private static readonly TimeSpan RestartDelay = TimeSpan.FromMilliseconds(500);
    private readonly CancellationTokenSource _stop = new();
    private Task _supervisor = Task.CompletedTask;

    /// <summary>The guest's address, where its pod's network namespace translates it.</summary>
    public string? MasqueradedAddress => nic.IsBridged ? null : nic.GuestAddress?.Split('/')[0];

    public void Start()
    {
        // An interface of that name that was unplugged had another MAC, and dnsmasq would keep the address for it.
        File.Delete(LeaseFile(nic, folder));
        _supervisor = SuperviseAsync();
    }

    private static string LeaseFile(PreparedInterface nic, string folder) => $"{folder}/{nic.Name}.leases";

    /// <summary>The lease never ends: the address belongs to the guest as long as the pod lives.</summary>
    internal static IReadOnlyList<string> Arguments(PreparedInterface nic, string folder)
    {
        var (address, prefix) = nic.GuestAddress!.Split('/') is [var a, var length] ? (a, int.Parse(length, CultureInfo.InvariantCulture)) : throw new FormatException($"'{nic.GuestAddress}' is no address with a prefix");
        List<string> args =
        [
            "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-hosts", "--no-resolv", "--no-ping", "--user=root", "--log-facility=-",
            $"--interface={nic.Bridge}", "--except-interface=lo", "--bind-interfaces",
            $"--dhcp-leasefile={LeaseFile(nic, folder)}", "--pid-file",
            $"--dhcp-range={address},static,{Mask(prefix)},infinite", $"--dhcp-host={nic.Mac},{address}{(nic.Hostname is null ? "" : "," + nic.Hostname)},infinite",
            // Without a value none is told, where dnsmasq by itself would name the bridge.
            nic.Gateway is null ? "--dhcp-option=option:router" : $"--dhcp-option=option:router,{nic.Gateway}",
            $"--dhcp-option=option:mtu,{nic.Mtu}",
        ];
        if (nic.GuestIpv6Address?.Split('/') is [var address6, var length6])
            args.AddRange(["--enable-ra", $"--dhcp-range={address6},{address6},{length6},infinite", $"--dhcp-host={nic.Mac},[{address6}],infinite"]);
        if (nic.IsBridged)
            args.Add($"--shared-network={nic.Bridge},{address}");
        // A guest that hears of these does not listen to the router's option any more.
        if (nic.Routes.Count > 0)
            args.Add($"--dhcp-option=121,{string.Join(',', nic.Gateway is null ? nic.Routes : [.. nic.Routes, $"0.0.0.0/0,{nic.Gateway}"])}");
        if (nic.DnsServers.Count > 0)
            args.Add($"--dhcp-option=option:dns-server,{string.Join(',', nic.DnsServers)}");
        if (nic.SearchDomains.Count > 0)
            args.Add($"--dhcp-option=option:domain-search,{string.Join(',', nic.SearchDomains)}");
        args.AddRange(Options(nic.DhcpOptions));
        return args;
    }

    private static IPAddress Mask(int prefix)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, prefix == 0 ? 0 : uint.MaxValue << (32 - prefix));
        return new IPAddress(bytes);
    }

    private static IEnumerable<string> Options(Messages.Api.KubeVirt.DHCPOptions? options)
    {
        if (options?.BootFileName is { Length: > 0 } boot)
            yield return $"--dhcp-option=option:bootfile-name,{boot}";
        if (options?.TftpServerName is { Length: > 0 } tftp)
            yield return $"--dhcp-option=option:tftp-server,{tftp}";
        if (options?.NtpServers is { Count: > 0 } ntp)
            yield return $"--dhcp-option=option:ntp-server,{string.Join(',', ntp)}";
        foreach (var option in options?.PrivateOptions ?? [])
            yield return $"--dhcp-option={option.Option},{option.Value}";
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _supervisor.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task SuperviseAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using var process = Process.Start(new ProcessStartInfo("dnsmasq", Arguments(nic, folder)) { UseShellExecute = false })
                ?? throw new InvalidOperationException("dnsmasq did not start");
            try
            {
                await process.WaitForExitAsync(_stop.Token).ConfigureAwait(false);
                log($"dnsmasq for {nic.Name} ended with code {process.ExitCode}; starting it again");
                await Task.Delay(RestartDelay, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                if (!process.HasExited)
                    process.Kill();
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
