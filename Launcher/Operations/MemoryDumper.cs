using System.Globalization;
using Troupe.Launcher.Libvirt;
using Troupe.Launcher.Server;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Operations;

/// <summary>
/// Writes the guest's memory to the claim that the spec names for it: once each time that the claim is plugged in. libvirt cannot abort
/// such a dump, so a claim that is pulled meanwhile stays mounted until it is over; the observation says so.
/// </summary>
internal sealed class MemoryDumper(DomainHost host, TimeProvider time, Action<string> log)
{
    private const string Suffix = ".memory.dump";
    private readonly Lock _gate = new();
    private string? _wanted;

    /// <summary>After what the spec says now and what is mounted. The dump itself goes on beside whatever else is asked for.</summary>
    public void Follow(VirtualMachineInstance vmi)
    {
        var volume = vmi.Spec!.Volumes?.FirstOrDefault(v => v.MemoryDump is not null)?.Name;
        var folder = volume is null ? null : FolderOf(volume);
        lock (_gate)
        {
            _wanted = volume;
            if (host.Observation.MemoryDump is { } present && present.Volume != volume)
                Forget();
            if (folder is null || host.Observation.MemoryDump is not null)
                return;
            var now = time.GetUtcNow();
            var dump = new MemoryDumpObservation(volume!, $"{vmi.Metadata.Name}-{volume}-{now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}{Suffix}", now);
            host.Update(o => o with { MemoryDump = dump });
            _ = RunAsync(dump, folder);
        }
    }

    private async Task RunAsync(MemoryDumpObservation dump, string folder)
    {
        string? error = null;
        try
        {
            // A claim is sized for one dump.
            foreach (var old in Directory.EnumerateFiles(folder, $"*{Suffix}"))
                File.Delete(old);
            var connection = await host.ConnectionAsync(CancellationToken.None).ConfigureAwait(false);
            await Task.Run(() => connection.DumpMemory(host.Uuid, Path.Combine(folder, dump.FileName))).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LibvirtException or IOException or UnauthorizedAccessException)
        {
            error = $"Domain memory dump failed: {e.Message}";
            log(error);
        }

        lock (_gate)
        {
            host.Update(o => o with { MemoryDump = dump with { EndedAt = time.GetUtcNow(), Error = error } });
            if (_wanted != dump.Volume)
                Forget();
        }
    }

    /// <summary>One that is over; what is still written keeps its claim.</summary>
    private void Forget() => host.Update(o => o.MemoryDump is { EndedAt: not null } ? o with { MemoryDump = null } : o);

    private static string? FolderOf(string volume) =>
        new[] { $"{LauncherPaths.HotplugDisks}/{volume}", LauncherPaths.HostDisk(volume) }.FirstOrDefault(Directory.Exists);
}
