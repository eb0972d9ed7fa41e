using System.IO.Compression;
using System.Text.RegularExpressions;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Daemon;

/// <summary>libvirt's cache of what it found out about QEMU binaries: filled before the daemon looks into it, read after it wrote to it.</summary>
internal sealed partial class EmulatorProbes(LibvirtDaemonOptions options, Action<string> log)
{
    /// <summary>libvirt 9's are below 100 KiB.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;
    private readonly Dictionary<string, byte[]> _installed = new(StringComparer.Ordinal);

    public void Install(IReadOnlyList<EmulatorProbe> probes)
    {
        Directory.CreateDirectory(options.Probes);
        foreach (var probe in probes)
        {
            if (!FileName().IsMatch(probe.File))
                throw new InvalidDataException($"'{probe.File}' is no file of libvirt's QEMU cache");
            try
            {
                var content = Unpack(probe.Content);
                var file = Path.Combine(options.Probes, probe.File);
                if (File.Exists(file))
                    continue;
                File.WriteAllBytes(file, content);
                _installed[probe.File] = content;
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                // It only saves time.
                log($"what is known of QEMU is not used: {e.Message}");
            }
        }
    }

    /// <summary>Null when everything was known.</summary>
    public IReadOnlyList<EmulatorProbe>? New()
    {
        var found = Directory.EnumerateFiles(options.Probes).Where(f => FileName().IsMatch(Path.GetFileName(f)))
            .Select(f => (Name: Path.GetFileName(f), Content: File.ReadAllBytes(f))).ToList();
        return found.All(f => _installed.TryGetValue(f.Name, out var known) && known.AsSpan().SequenceEqual(f.Content))
            ? null
            : [.. found.Select(f => new EmulatorProbe(f.Name, Pack(f.Content)))];
    }

    private static byte[] Pack(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }

    private static byte[] Unpack(ReadOnlyMemory<byte> packed)
    {
        using var gzip = new GZipStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
        var content = new byte[MaxBytes];
        var length = gzip.ReadAtLeast(content, MaxBytes, throwOnEndOfStream: false);
        return length < MaxBytes ? content[..length] : throw new InvalidDataException($"it is over {MaxBytes} bytes");
    }

    [GeneratedRegex(@"^[0-9a-f]{64}\.xml\z")]
    private static partial Regex FileName();
}
