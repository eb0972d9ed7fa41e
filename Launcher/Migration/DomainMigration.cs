using System.Runtime.InteropServices;
using System.Xml.Linq;
using Troupe.Launcher.Disks;
using Troupe.Launcher.Libvirt;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>libvirt's calls about moving one domain. Each looks the domain up anew, so that a long call shares no handle with others.</summary>
internal static unsafe class DomainMigration
{
    private const long MiB = 1 << 20;

    // virDomainState and its reasons: running, and paused, in post-copy and in one that is broken.
    private const int Running = 1, Paused = 3;
    private const int RunsInPostCopy = 10, RunsInBrokenPostCopy = 11, PausedInPostCopy = 12, PausedInBrokenPostCopy = 13;

    /// <summary>Blocks until the domain has moved, or not. The target is left paused; where post-copy is allowed, <see cref="FinishGate"/> sees to that.</summary>
    /// <param name="downtimeMs">How long the guest may stand still at the switch.</param>
    /// <param name="disks">Target names of the disks to copy.</param>
    /// <param name="copies">Those of them that get another place at the target.</param>
    /// <exception cref="LibvirtException">The domain has not moved.</exception>
    public static void Migrate(LibvirtConnection connection, string uuid, MigrationOptions options, long downtimeMs, IReadOnlyList<string> disks, IReadOnlyList<CopiedVolume> copies)
    {
        var streams = Streams(options);
        // libvirt does not take both.
        var flags = MigrationNative.Live | MigrationNative.PeerToPeer | MigrationNative.AbortOnError | (options.AllowPostCopy ? MigrationNative.PostCopy : MigrationNative.Paused);
        MigrationNative.TypedParameter* parameters = null;
        int count = 0, capacity = 0;
        try
        {
            Add("migrate_uri", $"unix://{PeerChannels.Socket(PeerChannel.Memory)}");
            if (options.BandwidthBytesPerSecond > 0)
            {
                AddNumber("bandwidth", (ulong)Math.Max(1, options.BandwidthBytesPerSecond / MiB));
                if (options.AllowPostCopy)
                    AddNumber("bandwidth.postcopy", (ulong)Math.Max(1, options.BandwidthBytesPerSecond / MiB));
            }

            if (options.AutoConverge)
                flags |= MigrationNative.AutoConverge;
            if (options.AllowUnsafe)
                flags |= MigrationNative.Unsafe;
            if (streams > 1)
            {
                flags |= MigrationNative.Parallel;
                Check(MigrationNative.TypedParamsAddInt(ref parameters, ref count, ref capacity, "parallel.connections", streams));
                if (options.Compression is { } method && CanCompress(connection))
                {
                    flags |= MigrationNative.Compressed;
                    Add("compression", method);
                }
            }

            if (disks.Count > 0)
            {
                flags |= MigrationNative.NonSharedIncremental;
                Add("disks_uri", $"unix://{PeerChannels.Socket(PeerChannel.Disks)}");
                foreach (var disk in disks)
                    Add("migrate_disks", disk);
            }

            if (copies.Count > 0 && CopiedDisks.Redirect(XElement.Parse(MigratableXml(connection, uuid)), copies) is { } redirected)
                Add("destination_xml", redirected.ToString());

            var destination = $"qemu+unix:///system?socket={PeerChannels.Socket(PeerChannel.Rpc)}";
            With(connection, uuid, domain =>
            {
                // Said before each attempt: QEMU keeps what an attempt before had come to.
                if (MigrationNative.DomainMigrateSetMaxDowntime(domain, (ulong)downtimeMs, 0) < 0)
                    throw LibvirtException.Last("setting the downtime limit");
                if (MigrationNative.DomainMigrateToUri3(domain, destination, parameters, (uint)count, flags) < 0)
                    throw LibvirtException.Last("migrating the domain");
            });
        }
        finally
        {
            MigrationNative.TypedParamsFree(parameters, count);
        }

        void AddNumber(string name, ulong value) => Check(MigrationNative.TypedParamsAddULLong(ref parameters, ref count, ref capacity, name, value));

        void Add(string name, string value) => Check(MigrationNative.TypedParamsAddString(ref parameters, ref count, ref capacity, name, value));
    }

    public static void StartPostCopy(LibvirtConnection connection, string uuid) => With(connection, uuid, domain =>
    {
        if (MigrationNative.DomainMigrateStartPostCopy(domain, 0) < 0)
            throw LibvirtException.Last("switching to post-copy");
    });

    /// <summary>QEMU has switched and the guest stands still here for good.</summary>
    public static bool HasSwitched(LibvirtConnection connection, string uuid) => StateOf(connection, uuid) is (Paused, PausedInPostCopy or PausedInBrokenPostCopy);

    /// <summary>Of a guest that runs here: whether all of its memory is here. Null when it never will be.</summary>
    public static bool? IsWhole(LibvirtConnection connection, string uuid) => StateOf(connection, uuid) switch
    {
        (Running, RunsInBrokenPostCopy) or (Paused, PausedInBrokenPostCopy) => null,
        (Running, RunsInPostCopy) or (Paused, PausedInPostCopy) => false,
        (Running, _) => true,
        // Somebody has paused it; whether more is to come is seen when it runs again.
        _ => false,
    };

    public static void Abort(LibvirtConnection connection, string uuid) => With(connection, uuid, domain =>
    {
        if (MigrationNative.DomainAbortJob(domain) < 0)
            throw LibvirtException.Last("aborting the migration");
    });

    public static void Resume(LibvirtConnection connection, string uuid) => With(connection, uuid, domain =>
    {
        if (MigrationNative.DomainResume(domain) < 0)
            throw LibvirtException.Last("resuming the domain");
    });

    /// <summary>While it is being copied: libvirt notes that the migration stopped it, and resumes it if that fails.</summary>
    public static void Pause(LibvirtConnection connection, string uuid) => With(connection, uuid, domain =>
    {
        if (MigrationNative.DomainSuspend(domain) < 0)
            throw LibvirtException.Last("pausing the guest");
    });

    public static void SetDowntime(LibvirtConnection connection, string uuid, long milliseconds) => With(connection, uuid, domain =>
    {
        if (MigrationNative.DomainMigrateSetMaxDowntime(domain, (ulong)milliseconds, 0) < 0)
            throw LibvirtException.Last("setting the downtime limit");
    });

    /// <summary>More streams than CPUs to fill them only cost; half of them are left to the guest. QEMU switches to post-copy on one only.</summary>
    public static int Streams(MigrationOptions options) => options.AllowPostCopy ? 1 : Math.Min(options.ParallelChannels, Environment.ProcessorCount / 2);

    /// <summary>libvirt compresses parallel streams, by zlib or zstd, since 9.4.</summary>
    public static bool CanCompress(LibvirtConnection connection) =>
        Version.TryParse(connection.LibraryVersion, out var version) && version >= new Version(9, 4);

    /// <summary>Null when no job runs.</summary>
    public static MigrationProgress? Progress(LibvirtConnection connection, string uuid)
    {
        Dictionary<string, long> values = [];
        With(connection, uuid, domain =>
        {
            if (MigrationNative.DomainGetJobStats(domain, out _, out var parameters, out var count, 0) < 0)
                throw LibvirtException.Last("reading the migration's progress");
            for (var i = 0; i < count; i++)
                values[Marshal.PtrToStringUTF8((nint)parameters[i].Field)!] = parameters[i].Type is MigrationNative.TypeLong or MigrationNative.TypeUnsignedLong ? parameters[i].Long : parameters[i].Int;
            MigrationNative.TypedParamsFree(parameters, count);
        });
        // Dirty pages come per second, and with their size.
        return values.ContainsKey("memory_total")
            ? new MigrationProgress(Of("time_elapsed"), Of("data_total"), Of("data_processed"), Of("data_remaining"), Of("memory_bps"),
                Of("memory_dirty_rate") * Math.Max(1, Of("memory_page_size")), Of("memory_iteration"), Of("downtime"), Of("auto_converge_throttle"))
            : null;

        long Of(string name) => values.GetValueOrDefault(name);
    }

    private static (int State, int Reason) StateOf(LibvirtConnection connection, string uuid)
    {
        var seen = (0, 0);
        With(connection, uuid, domain =>
        {
            if (LibvirtNative.DomainGetState(domain, out var state, out var reason, 0) < 0)
                throw LibvirtException.Last("reading the domain's state");
            seen = (state, reason);
        });
        return seen;
    }

    private static string MigratableXml(LibvirtConnection connection, string uuid)
    {
        var xml = "";
        With(connection, uuid, domain => xml = LibvirtConnection.Take(LibvirtNative.DomainGetXmlDesc(domain, LibvirtNative.XmlSecure | LibvirtNative.XmlMigratable), "reading the domain"));
        return xml;
    }

    private static void With(LibvirtConnection connection, string uuid, Action<nint> act)
    {
        var domain = LibvirtNative.DomainLookupByUuidString(connection.Handle, uuid);
        if (domain == 0)
            throw LibvirtException.Last("looking for the domain");
        try
        {
            act(domain);
        }
        finally
        {
            _ = LibvirtNative.DomainFree(domain);
        }
    }

    private static void Check(int result)
    {
        if (result < 0)
            throw LibvirtException.Last("preparing the migration's parameters");
    }
}
