namespace Troupe.Launcher.Libvirt;

/// <summary>What a guest has used and has.</summary>
/// <param name="CpuNanoseconds">Of its CPUs together.</param>
internal sealed record DomainUsage(double CpuNanoseconds, int OnlineCpus, long MemoryKiB);

/// <summary>Calls about a running domain.</summary>
internal sealed unsafe partial class LibvirtConnection
{
    public void Suspend() => Check(LibvirtNative.DomainSuspend(_domain), "pausing the domain");

    public void Resume() => Check(LibvirtNative.DomainResume(_domain), "resuming the domain");

    public void Reboot(uint flags) => Check(LibvirtNative.DomainReboot(_domain, flags), "rebooting the guest");

    public void Reset() => Check(LibvirtNative.DomainReset(_domain, 0), "resetting the domain");

    public void Freeze() => Check(LibvirtNative.DomainFsFreeze(_domain, 0, 0, 0), "freezing the guest's file systems");

    public void Thaw() => Check(LibvirtNative.DomainFsThaw(_domain, 0, 0, 0), "thawing the guest's file systems");

    public DomainUsage Usage()
    {
        Check(LibvirtNative.DomainGetInfo(_domain, out var info), "asking for the domain's figures");
        var cpus = stackalloc VcpuInfo[info.Cpus];
        var count = LibvirtNative.DomainGetVcpus(_domain, cpus, info.Cpus, 0, 0);
        Check(count, "asking for the domain's CPUs");
        var (time, online) = (0d, 0);
        for (var i = 0; i < count; i++)
            (time, online) = (time + cpus[i].CpuNanoseconds, online + (cpus[i].State == 0 ? 0 : 1));
        return new DomainUsage(time, online, (long)info.MemoryKiB);
    }

    /// <summary>An ELF core. Takes its time, so it has a handle of its own and may run beside other calls.</summary>
    public void DumpMemory(string uuid, string file)
    {
        var domain = LibvirtNative.DomainLookupByUuidString(_connection, uuid);
        if (domain == 0)
            throw LibvirtException.Last("looking up the domain");
        try
        {
            Check(LibvirtNative.DomainCoreDumpWithFormat(domain, file, LibvirtNative.DumpFormatRaw, LibvirtNative.DumpMemoryOnly), "dumping the guest's memory");
        }
        finally
        {
            _ = LibvirtNative.DomainFree(domain);
        }
    }

    public void Attach(string xml) => Check(LibvirtNative.DomainAttachDevice(_domain, xml, LibvirtNative.AffectLive), "attaching a device");

    /// <summary>Asks the guest to let the device go; the event tells when it has.</summary>
    public void Detach(string alias) => Check(LibvirtNative.DomainDetachDeviceAlias(_domain, alias, LibvirtNative.AffectLive), $"detaching {alias}");

    public void Update(string xml) => Check(LibvirtNative.DomainUpdateDevice(_domain, xml, LibvirtNative.AffectLive), "changing a device");

    public void SetVcpus(int count) => Check(LibvirtNative.DomainSetVcpus(_domain, (uint)count, LibvirtNative.AffectLive), $"giving the guest {count} CPUs");

    public void SetUserPassword(string user, string password) => Check(LibvirtNative.DomainSetUserPassword(_domain, user, password, 0), $"setting the password of {user}");

    /// <summary>These and no others.</summary>
    public void SetAuthorizedKeys(string user, IReadOnlyList<string> keys) =>
        Check(LibvirtNative.DomainAuthorizedSshKeysSet(_domain, user, [.. keys], (uint)keys.Count, 0), $"setting the SSH keys of {user}");

    /// <param name="command">QMP.</param>
    public string Monitor(string command)
    {
        Check(LibvirtNative.DomainQemuMonitorCommand(_domain, command, out var result, 0), "telling QEMU");
        return Take(result, "telling QEMU");
    }

    /// <returns>An image in the format of the MIME type that QEMU chose.</returns>
    public (string Mime, byte[] Image) Screenshot()
    {
        var stream = LibvirtNative.StreamNew(_connection, 0);
        if (stream == 0)
            throw LibvirtException.Last("opening a stream");
        try
        {
            var mime = Take(LibvirtNative.DomainScreenshot(_domain, stream, 0, 0), "taking a screenshot");
            using var image = new MemoryStream();
            var buffer = new byte[64 * 1024];
            while (true)
            {
                int read;
                fixed (byte* start = buffer)
                    read = LibvirtNative.StreamReceive(stream, start, (nuint)buffer.Length);
                if (read < 0)
                    throw LibvirtException.Last("reading the screenshot");
                if (read == 0)
                    break;
                image.Write(buffer, 0, read);
            }

            _ = LibvirtNative.StreamFinish(stream);
            return (mime, image.ToArray());
        }
        finally
        {
            _ = LibvirtNative.StreamFree(stream);
        }
    }
}
