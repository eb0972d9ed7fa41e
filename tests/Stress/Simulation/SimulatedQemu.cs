namespace Troupe.Stress.Simulation;

/// <summary>One QEMU process with its copy of a guest. Only its launcher's queue touches it.</summary>
/// <param name="id">Unique in the simulation; the launcher's pod's UID.</param>
internal sealed class SimulatedQemu(Ledger ledger, string vmi, string id, GuestModel guest)
{
    private long _written;

    public GuestModel Guest { get; } = guest;

    public bool IsAlive { get; private set; } = true;

    public bool Runs { get; private set; }

    /// <summary>Stands still because the user said so, and not for the switch of a migration.</summary>
    public bool IsPausedByUser { get; set; }

    public void Boot()
    {
        Runs = true;
        ledger.Boots(vmi, id);
    }

    /// <summary>A domain that is created paused has its disks and has not run.</summary>
    public void BootPaused()
    {
        ledger.Boots(vmi, id);
        _written = ledger.Stands(vmi, id);
        IsPausedByUser = true;
    }

    /// <summary>The guest as it was sent by another QEMU.</summary>
    public void Receive(long written) => _written = written;

    /// <returns>The guest, as far as what it has written tells.</returns>
    public long Stand()
    {
        if (Runs)
            _written = ledger.Stands(vmi, id);
        Runs = false;
        return _written;
    }

    public void Run()
    {
        if (!IsAlive || Runs)
            return;
        Runs = true;
        ledger.Runs(vmi, id, _written);
    }

    public void End(string how)
    {
        if (!IsAlive)
            return;
        (IsAlive, Runs) = (false, false);
        ledger.Ends(vmi, id, how);
    }
}
